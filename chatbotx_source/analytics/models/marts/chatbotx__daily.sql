{%- set kinds = ['image', 'video', 'audio', 'gif', 'file', 'other'] -%}

with messages as (
    select
        local_date,
        channel,
        inbox_id,
        count(*) as messages,
        count(case when direction = 'incoming' then 1 end) as messages_in,
        count(case when direction = 'outgoing' then 1 end) as messages_out,
        {%- for sender in ('bot', 'agent', 'api') %}
        count(case when direction = 'outgoing' and sender_kind = '{{ sender }}' then 1 end)
            as messages_{{ sender }},
        {%- endfor %}
        count(case when direction = 'activity' then 1 end) as activities,
        count(distinct case when direction = 'incoming' then contact_id end) as active_contacts
    from {{ ref('chatbotx__messages') }}
    where is_counted
    group by local_date, channel, inbox_id
),

contacts as (
    select local_date, channel, inbox_id, count(*) as new_contacts
    from {{ ref('chatbotx__contacts') }}
    where not is_internal and local_date is not null
    group by local_date, channel, inbox_id
),

sessions as (
    select
        local_date,
        channel,
        inbox_id,
        count(*) as sessions,
        count(asked_at) as sessions_asked,
        count(first_response_at) as sessions_responded,
        count(case when is_handed_over then 1 end) as sessions_handed_over,
        count(case when is_resolved then 1 end) as sessions_resolved,
        {%- for sender in ('', 'bot_', 'agent_') %}
        {%- for name, share in [('median', 0.5), ('p90', 0.9)] %}
        {{ chatbotx_percentile(share, 'first_' ~ sender ~ 'response_seconds') }}
            as first_{{ sender }}response_seconds_{{ name }},
        {%- endfor %}
        {%- endfor %}
        {{ chatbotx_percentile(0.5, 'first_agent_response_business_minutes') }}
            as first_agent_response_business_minutes_median,
        {{ chatbotx_percentile(0.9, 'first_agent_response_business_minutes') }}
            as first_agent_response_business_minutes_p90
    from {{ ref('chatbotx__conversation_sessions') }}
    group by local_date, channel, inbox_id
),

turns as (
    select
        local_date,
        channel,
        inbox_id,
        count(*) as turns,
        count(case when status = 'answered' then 1 end) as turns_answered,
        {%- for minutes in (1, 5, 60) %}
        count(case when first_reply_seconds <= {{ 60 * minutes }} then 1 end)
            as turns_answered_within_{{ minutes }}m,
        {%- endfor %}
        {%- for minutes in (1, 5, 60) %}
        count(case when first_agent_reply_seconds <= {{ 60 * minutes }} then 1 end)
            as turns_answered_by_agent_within_{{ minutes }}m{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('chatbotx__reply_times') }}
    group by local_date, channel, inbox_id
),

attachments as (
    select
        local_date,
        channel,
        inbox_id,
        count(*) as attachments,
        sum(bytes) as attachment_bytes
        {%- for kind in kinds %},
        count(case when kind = '{{ kind }}' then 1 end) as attachments_{{ kind }},
        sum(case when kind = '{{ kind }}' then bytes else 0 end) as attachment_bytes_{{ kind }}
        {%- endfor %}
    from {{ ref('chatbotx__attachments') }}
    where is_counted
    group by local_date, channel, inbox_id
),

days as (
    {%- for part in ('messages', 'contacts', 'sessions', 'turns') %}
    select local_date, channel, inbox_id from {{ part }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
),

inboxes as (
    select inbox_id, max(inbox__name) as inbox_name
    from {{ source('chatbotx', 'contacts__contact_inboxes') }}
    where not coalesce(_removed, false)
    group by inbox_id
)

select
    days.local_date,
    days.channel,
    days.inbox_id,
    inboxes.inbox_name,
    {%- for name in [
        'messages', 'messages_in', 'messages_out', 'messages_bot', 'messages_agent', 'messages_api',
        'activities', 'active_contacts'
    ] %}
    coalesce(messages.{{ name }}, 0) as {{ name }},
    {%- endfor %}
    coalesce(contacts.new_contacts, 0) as new_contacts,
    {%- for name in [
        'sessions', 'sessions_asked', 'sessions_responded', 'sessions_handed_over',
        'sessions_resolved'
    ] %}
    coalesce(sessions.{{ name }}, 0) as {{ name }},
    {%- endfor %}
    {%- for sender in ('', 'bot_', 'agent_') %}
    sessions.first_{{ sender }}response_seconds_median,
    sessions.first_{{ sender }}response_seconds_p90,
    {%- endfor %}
    sessions.first_agent_response_business_minutes_median,
    sessions.first_agent_response_business_minutes_p90,
    coalesce(turns.turns, 0) as turns,
    coalesce(turns.turns_answered, 0) as turns_answered,
    {%- for by in ('answered', 'answered_by_agent') %}
    {%- for minutes in (1, 5, 60) %}
    coalesce(turns.turns_{{ by }}_within_{{ minutes }}m, 0)
        as turns_{{ by }}_within_{{ minutes }}m,
    {%- endfor %}
    {%- endfor %}
    {%- for minutes in (1, 5, 60) %}
    {{ chatbotx_share('turns.turns_answered_within_' ~ minutes ~ 'm', 'turns.turns') }}
        as share_answered_within_{{ minutes }}m,
    {%- endfor %}
    cast(coalesce(attachments.attachments, 0) as bigint) as attachments,
    cast(coalesce(attachments.attachment_bytes, 0) as bigint) as attachment_bytes
    {%- for kind in kinds %},
    cast(coalesce(attachments.attachments_{{ kind }}, 0) as bigint) as attachments_{{ kind }},
    cast(coalesce(attachments.attachment_bytes_{{ kind }}, 0) as bigint)
        as attachment_bytes_{{ kind }}
    {%- endfor %}
from days
{%- for part in ('messages', 'contacts', 'sessions', 'turns', 'attachments') %}
left join {{ part }}
    on {{ part }}.local_date = days.local_date
    and {{ part }}.channel = days.channel
    and {{ part }}.inbox_id = days.inbox_id
{%- endfor %}
left join inboxes on inboxes.inbox_id = days.inbox_id
