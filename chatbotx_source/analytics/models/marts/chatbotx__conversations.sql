{%- set counted = [
    'messages', 'messages_in', 'messages_out', 'messages_bot', 'messages_agent', 'messages_api'
] -%}

with counts as (
    select
        conversation_id,
        max(contact_id) as contact_id,
        {{ chatbotx_first('channel', '-session_number', 'true') }} as channel,
        {{ chatbotx_first('inbox_id', '-session_number', 'true') }} as inbox_id,
        {{ chatbotx_first('channel', 'session_number', 'true') }} as first_channel,
        {{ chatbotx_first('inbox_id', 'session_number', 'true') }} as first_inbox_id,
        {{ chatbotx_first('ended_by', '-session_number', 'true') }} as last_message_by,
        min(started_at) as first_message_at,
        max(ended_at) as last_message_at,
        {%- for name in counted %}
        cast(sum({{ name }}) as bigint) as {{ name }},
        {%- endfor %}
        count(*) as sessions
    from {{ ref('chatbotx__conversation_sessions') }}
    group by conversation_id
),

-- Medians by place: percentile_cont keeps the values of every conversation in memory at once.
placed as (
    select
        *,
        count(first_reply_seconds) over (partition by conversation_id) as replies,
        count(first_agent_reply_seconds) over (partition by conversation_id) as agent_replies,
        row_number() over (
            partition by conversation_id order by first_reply_seconds nulls last
        ) as place,
        row_number() over (
            partition by conversation_id order by first_agent_reply_seconds nulls last
        ) as agent_place
    from {{ ref('chatbotx__reply_times') }}
),

turns as (
    select
        conversation_id,
        count(*) as turns,
        count(case when status = 'answered' then 1 end) as turns_answered,
        {{ chatbotx_median_by_place('first_reply_seconds', 'place', 'replies') }}
            as reply_seconds_median,
        {{ chatbotx_median_by_place('first_agent_reply_seconds', 'agent_place', 'agent_replies') }}
            as agent_reply_seconds_median,
        max(case when turn_number = 1 then first_reply_seconds end) as first_response_seconds,
        max(case when status = 'waiting' then asked_at end) as asked_at
    from placed
    group by conversation_id
),

served as (
    select *
    from {{ source('chatbotx', 'contacts') }}
    where conversation__id is not null
),

joined as (
    select
        coalesce(counts.conversation_id, served.conversation__id) as conversation_id,
        coalesce(served.id, counts.contact_id) as contact_id,
        contacts.full_name as contact_name,
        coalesce(counts.channel, 'unknown') as channel,
        coalesce(counts.inbox_id, 'unknown') as inbox_id,
        counts.first_channel,
        counts.first_inbox_id,
        served.conversation__id is not null as is_current,
        served.conversation__created_at as created_at,
        served.conversation__archived_at as archived_at,
        served.conversation__bot_enabled as is_bot_enabled,
        served.conversation__assigned_user_id as assigned_agent_id,
        served.conversation__assigned_inbox_team__name as assigned_team_name,
        counts.first_message_at,
        counts.last_message_at,
        counts.last_message_by,
        {%- for name in counted %}
        coalesce(counts.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        coalesce(counts.sessions, 0) as sessions,
        coalesce(turns.turns, 0) as turns,
        coalesce(turns.turns_answered, 0) as turns_answered,
        turns.first_response_seconds,
        turns.reply_seconds_median,
        turns.agent_reply_seconds_median,
        case
            when contacts.blocked_at is not null or contacts.removed_at is not null then null
            when served.conversation__archived_at >= turns.asked_at then null
            else turns.asked_at
        end as waiting_since
    from counts
    full outer join served on served.conversation__id = counts.conversation_id
    left join turns on turns.conversation_id = counts.conversation_id
    left join {{ source('chatbotx', 'contacts') }} as contacts
        on contacts.id = coalesce(served.id, counts.contact_id)
)

select
    *,
    waiting_since is not null as is_waiting,
    case
        when {{ chatbotx_as_of() }} > waiting_since
            then {{ chatbotx_seconds('waiting_since', chatbotx_as_of()) }}
        when waiting_since is not null then 0
    end as waiting_seconds
from joined
