{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook='{{ chatbotx_forget_changed_conversations() }}'
) }}

with timeline as (
    select *
    from {{ ref('int_chatbotx__timeline') }} as messages
    where {{ chatbotx_not_yet_here('messages') }}
),

turns as (
    select
        conversation_id,
        turn_number,
        max(contact_id) as contact_id,
        {{ chatbotx_first('channel', 'place', 'true') }} as channel,
        {{ chatbotx_first('inbox_id', 'place', 'true') }} as inbox_id,
        min(session_number) as session_number,
        min(local_date) as local_date,
        min(sent_at) as asked_at,
        {{ chatbotx_first('message_id', 'place', 'true') }} as message_id,
        count(case when direction = 'incoming' then 1 end) as questions,
        count(case when is_answer then 1 end) as answers,
        {%- for sender, condition in [
            ('', 'is_answer'),
            ('bot_', "is_answer and sender_kind = 'bot'"),
            ('agent_', "is_answer and sender_kind = 'agent'"),
        ] %}
        min(case when {{ condition }} then sent_at end) as first_{{ sender }}reply_at,
        min(case when {{ condition }} then local_date end) as first_{{ sender }}reply_date,
        {%- endfor %}
        {{ chatbotx_first('sender_kind', 'place', 'is_answer') }} as first_reply_by,
        {{ chatbotx_first('agent_id', 'place', "is_answer and sender_kind = 'agent'") }} as agent_id,
        max(built_at) as built_at
    from timeline
    where turn_number > 0
    group by conversation_id, turn_number
)

select
    conversation_id || ':' || turn_number as turn_id,
    conversation_id,
    turn_number,
    conversation_id || ':' || session_number as session_id,
    contact_id,
    channel,
    inbox_id,
    message_id,
    local_date,
    asked_at,
    questions,
    answers,
    case when answers > 0 then 'answered' else 'waiting' end as status,
    first_reply_by,
    first_reply_at,
    {{ chatbotx_seconds('asked_at', 'first_reply_at') }} as first_reply_seconds,
    {{ chatbotx_business_minutes('asked_at', 'asked_day', 'first_reply_at', 'reply_day') }}
        as first_reply_business_minutes,
    first_bot_reply_at,
    {{ chatbotx_seconds('asked_at', 'first_bot_reply_at') }} as first_bot_reply_seconds,
    first_agent_reply_at,
    first_agent_reply_date,
    {{ chatbotx_seconds('asked_at', 'first_agent_reply_at') }} as first_agent_reply_seconds,
    {{ chatbotx_business_minutes('asked_at', 'asked_day', 'first_agent_reply_at', 'agent_day') }}
        as first_agent_reply_business_minutes,
    agent_id,
    built_at
from turns
left join {{ ref('int_chatbotx__calendar') }} as asked_day on asked_day.day = turns.local_date
left join {{ ref('int_chatbotx__calendar') }} as reply_day
    on reply_day.day = turns.first_reply_date
left join {{ ref('int_chatbotx__calendar') }} as agent_day
    on agent_day.day = turns.first_agent_reply_date
