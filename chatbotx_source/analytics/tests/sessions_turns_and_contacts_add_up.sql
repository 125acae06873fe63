-- Sessions, turns and new contacts are the same many wherever they are counted.
with totals as (
    {%- for table, column, counted in [
        ('chatbotx__daily', 'sessions', 'chatbotx__conversation_sessions'),
        ('chatbotx__conversations', 'sessions', 'chatbotx__conversation_sessions'),
        ('chatbotx__contacts', 'sessions', 'chatbotx__conversation_sessions'),
        ('chatbotx__daily', 'turns', 'chatbotx__reply_times'),
        ('chatbotx__conversations', 'turns', 'chatbotx__reply_times'),
        ('chatbotx__contacts', 'turns', 'chatbotx__reply_times'),
    ] %}
    select
        '{{ table }}.{{ column }}' as total,
        (select sum({{ column }}) from {{ ref(table) }}) as found,
        (select count(*) from {{ ref(counted) }}) as expected
    union all
    {%- endfor %}
    select
        'chatbotx__daily.new_contacts',
        (select sum(new_contacts) from {{ ref('chatbotx__daily') }}),
        (
            select count(*)
            from {{ ref('chatbotx__contacts') }}
            where not is_internal and created_at is not null
        )
    union all
    select
        'chatbotx__agents_daily.replies',
        (select sum(replies) from {{ ref('chatbotx__agents_daily') }}),
        (select count(agent_id) from {{ ref('chatbotx__reply_times') }})
)

select *
from totals
where coalesce(found, 0) <> coalesce(expected, 0)
