-- Every table adds up to the messages that count.
with counted as (
    select
        count(case when direction = 'incoming' then 1 end) as messages_in,
        count(case when direction = 'outgoing' then 1 end) as messages_out,
        count(case when direction = 'outgoing' and sender_kind = 'agent' then 1 end) as by_agents,
        sum(attachments) as attachments,
        sum(attachment_bytes) as attachment_bytes
    from {{ ref('chatbotx__messages') }}
    where is_counted
),

totals as (
    {%- for table in [
        'chatbotx__conversation_sessions', 'chatbotx__conversations', 'chatbotx__contacts',
        'chatbotx__daily', 'chatbotx__hourly_heatmap'
    ] %}
    {%- for column in ('messages_in', 'messages_out') %}
    select
        '{{ table }}.{{ column }}' as total,
        (select sum({{ column }}) from {{ ref(table) }}) as found,
        (select {{ column }} from counted) as expected
    union all
    {%- endfor %}
    {%- endfor %}
    {%- for table, column, expected in [
        ('chatbotx__reply_times', 'questions', 'messages_in'),
        ('chatbotx__agents_daily', 'messages', 'by_agents'),
        ('chatbotx__agents', 'messages', 'by_agents'),
        ('chatbotx__daily', 'attachments', 'attachments'),
        ('chatbotx__daily', 'attachment_bytes', 'attachment_bytes'),
    ] %}
    select
        '{{ table }}.{{ column }}',
        (select sum({{ column }}) from {{ ref(table) }}),
        (select {{ expected }} from counted)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select *
from totals
where coalesce(found, 0) <> coalesce(expected, 0)
