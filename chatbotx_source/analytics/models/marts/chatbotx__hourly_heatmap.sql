select
    local_weekday as weekday,
    local_hour as hour,
    channel,
    inbox_id,
    count(*) as messages,
    count(case when direction = 'incoming' then 1 end) as messages_in,
    count(case when direction = 'outgoing' then 1 end) as messages_out,
    count(case when sender_kind = 'bot' then 1 end) as messages_bot,
    count(case when sender_kind = 'agent' then 1 end) as messages_agent
from {{ ref('chatbotx__messages') }}
where is_counted and direction <> 'activity'
group by local_weekday, local_hour, channel, inbox_id
