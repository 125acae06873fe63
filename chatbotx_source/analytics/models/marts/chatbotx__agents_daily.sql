with messages as (
    select
        local_date,
        agent_id,
        count(*) as messages,
        count(distinct conversation_id) as conversations
    from {{ ref('chatbotx__messages') }}
    where is_counted and sender_kind = 'agent' and direction = 'outgoing'
    group by local_date, agent_id
),

replies as (
    select
        first_agent_reply_date as local_date,
        agent_id,
        count(*) as replies,
        {{ chatbotx_percentile(0.5, 'first_agent_reply_seconds') }} as reply_seconds_median,
        {{ chatbotx_percentile(0.9, 'first_agent_reply_seconds') }} as reply_seconds_p90,
        {{ chatbotx_percentile(0.5, 'first_agent_reply_business_minutes') }}
            as reply_business_minutes_median,
        {{ chatbotx_percentile(0.9, 'first_agent_reply_business_minutes') }}
            as reply_business_minutes_p90
    from {{ ref('chatbotx__reply_times') }}
    where agent_id is not null
    group by first_agent_reply_date, agent_id
)

select
    messages.local_date,
    messages.agent_id,
    agents.name as agent_name,
    messages.messages,
    messages.conversations,
    coalesce(replies.replies, 0) as replies,
    replies.reply_seconds_median,
    replies.reply_seconds_p90,
    replies.reply_business_minutes_median,
    replies.reply_business_minutes_p90
from messages
left join replies
    on replies.local_date = messages.local_date and replies.agent_id = messages.agent_id
left join {{ ref('chatbotx__agents') }} as agents on agents.agent_id = messages.agent_id
