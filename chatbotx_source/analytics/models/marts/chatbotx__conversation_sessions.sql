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

questions as (
    select conversation_id, session_number, min(place) as first_question_place
    from timeline
    where direction = 'incoming'
    group by conversation_id, session_number
),

placed as (
    select
        timeline.*,
        questions.first_question_place,
        coalesce(
            timeline.is_answer and timeline.place > questions.first_question_place, false
        ) as is_response
    from timeline
    left join questions
        on questions.conversation_id = timeline.conversation_id
        and questions.session_number = timeline.session_number
),

sessions as (
    select
        conversation_id,
        session_number,
        max(contact_id) as contact_id,
        {{ chatbotx_first('channel', 'place', 'true') }} as channel,
        {{ chatbotx_first('inbox_id', 'place', 'true') }} as inbox_id,
        {{ chatbotx_first('message_id', 'place', 'true') }} as message_id,
        {{ chatbotx_first('sender_kind', 'place', 'true') }} as started_by,
        {{ chatbotx_first('sender_kind', '-place', 'true') }} as ended_by,
        min(local_date) as local_date,
        min(sent_at) as started_at,
        max(sent_at) as ended_at,
        count(*) as messages,
        count(case when direction = 'incoming' then 1 end) as messages_in,
        count(case when direction = 'outgoing' then 1 end) as messages_out,
        {%- for sender in ('bot', 'agent', 'api') %}
        count(case when direction = 'outgoing' and sender_kind = '{{ sender }}' then 1 end)
            as messages_{{ sender }},
        {%- endfor %}
        count(distinct agent_id) as agents,
        {{ chatbotx_first('agent_id', 'place', 'agent_id is not null') }} as first_agent_id,
        {{ chatbotx_first('agent_id', '-place', 'agent_id is not null') }} as last_agent_id,
        min(case when place = first_question_place then sent_at end) as asked_at,
        min(case when place = first_question_place then local_date end) as asked_date,
        min(case when is_response then sent_at end) as first_response_at,
        min(case when is_response and sender_kind = 'bot' then sent_at end)
            as first_bot_response_at,
        min(case when is_response and sender_kind = 'agent' then sent_at end)
            as first_agent_response_at,
        min(case when is_response and sender_kind = 'agent' then local_date end)
            as first_agent_response_date,
        max(case when is_response then sent_at end) as last_response_at,
        max(case when is_response then place end) as last_response_place,
        max(case when direction = 'incoming' then place end) as last_question_place,
        min(case when sender_kind = 'agent' then place end) as first_agent_place,
        min(case when sender_kind = 'bot' then place end) as first_bot_place,
        max(built_at) as built_at
    from placed
    group by conversation_id, session_number
),

handovers as (
    select
        sessions.*,
        case when first_bot_place < first_agent_place then first_agent.sent_at end
            as handed_over_at,
        lead(started_at) over (partition by sessions.conversation_id order by sessions.session_number)
            as next_session_at
    from sessions
    left join timeline as first_agent
        on first_agent.conversation_id = sessions.conversation_id
        and first_agent.place = sessions.first_agent_place
)

select
    conversation_id || ':' || session_number as session_id,
    conversation_id,
    session_number,
    contact_id,
    channel,
    inbox_id,
    message_id,
    local_date,
    started_at,
    ended_at,
    {{ chatbotx_seconds('started_at', 'ended_at') }} as duration_seconds,
    started_by,
    ended_by,
    case
        when messages_agent > 0 and messages_bot > 0 then 'bot and agent'
        when messages_agent > 0 then 'agent'
        when messages_bot > 0 then 'bot'
        when messages_api > 0 then 'api'
        else 'nobody'
    end as handled_by,
    messages,
    messages_in,
    messages_out,
    messages_bot,
    messages_agent,
    messages_api,
    agents,
    first_agent_id,
    last_agent_id,
    asked_at,
    first_response_at,
    {{ chatbotx_seconds('asked_at', 'first_response_at') }} as first_response_seconds,
    first_bot_response_at,
    {{ chatbotx_seconds('asked_at', 'first_bot_response_at') }} as first_bot_response_seconds,
    first_agent_response_at,
    {{ chatbotx_seconds('asked_at', 'first_agent_response_at') }} as first_agent_response_seconds,
    {{ chatbotx_business_minutes(
        'asked_at', 'asked_day', 'first_agent_response_at', 'agent_day'
    ) }} as first_agent_response_business_minutes,
    handed_over_at is not null as is_handed_over,
    handed_over_at,
    coalesce(last_response_place > last_question_place, false) as is_resolved,
    case
        when last_response_place > last_question_place
            then {{ chatbotx_seconds('asked_at', 'last_response_at') }}
    end as resolution_seconds,
    next_session_at,
    built_at
from handovers
left join {{ ref('int_chatbotx__calendar') }} as asked_day on asked_day.day = handovers.asked_date
left join {{ ref('int_chatbotx__calendar') }} as agent_day
    on agent_day.day = handovers.first_agent_response_date
