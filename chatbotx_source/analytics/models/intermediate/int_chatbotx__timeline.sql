{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook='{{ chatbotx_forget_changed_timelines() }}'
) }}

{#- The API's own order: ids are numbers, written as text. -#}
{%- set window -%}
    partition by conversation_id order by sent_at, length(message_id), message_id
{%- endset -%}

with messages as (
    select
        message_id,
        conversation_id,
        contact_id,
        channel,
        inbox_id,
        direction,
        sender_kind,
        agent_id,
        sent_at,
        local_date,
        direction = 'outgoing'
        and sender_kind in ({{ chatbotx_texts(var('chatbotx_answering_senders')) }}) as is_answer
    from {{ ref('chatbotx__messages') }} as loaded
    where is_counted and direction <> 'activity' and {{ chatbotx_not_yet_here('loaded') }}
),

neighbours as (
    select
        *,
        row_number() over ({{ window }}) as place,
        lag(sent_at) over ({{ window }}) as previous_sent_at,
        count(case when is_answer then 1 end) over (
            {{ window }} rows between unbounded preceding and current row
        ) as answers_so_far
    from messages
),

beginnings as (
    select
        *,
        previous_sent_at is null
        or {{ chatbotx_seconds('previous_sent_at', 'sent_at') }}
        > {{ var('chatbotx_session_gap_hours') }} * 3600 as begins_session,
        -- The first message of the contact since the last answer.
        direction = 'incoming' and answers_so_far > coalesce(
            max(case when direction = 'incoming' then answers_so_far end) over (
                partition by conversation_id
                order by place
                rows between unbounded preceding and 1 preceding
            ), -1
        ) as begins_turn
    from neighbours
)

select
    message_id,
    conversation_id,
    contact_id,
    cast(place as integer) as place,
    channel,
    inbox_id,
    direction,
    sender_kind,
    agent_id,
    is_answer,
    sent_at,
    local_date,
    cast(count(case when begins_session then 1 end) over (
        partition by conversation_id order by place rows unbounded preceding
    ) as integer) as session_number,
    cast(count(case when begins_turn then 1 end) over (
        partition by conversation_id order by place rows unbounded preceding
    ) as integer) as turn_number,
    (select max(built_at) from {{ ref('chatbotx__messages') }}) as built_at
from beginnings
