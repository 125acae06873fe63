"""The SQL of the report, which DuckDB and PostgreSQL read alike; `{names}` are filled in on asking.

`{days}` is the condition that `local_date` is one of those that the report covers.
"""

FRESHNESS = """
    select {columns}
    from {_chatbotx_syncs}
    order by ended desc
    limit 1
"""

NEWEST_LOADS = """
    select
        (select max(_dlt_load_id) from {messages}),
        (select max(_dlt_load_id) from {chatbotx__messages})
"""

UNFINISHED = """
    select contact_id, reason, since
    from {_chatbotx_unfinished}
    where not believed_empty
    order by since, contact_id
    limit {most}
"""

SPAN = """
    select min(local_date), max(local_date)
    from {chatbotx__daily}
    where local_date <= date '{end}'
"""

EVER = "select sum(messages_in + messages_out) from {chatbotx__daily}"

AGENTS = "select agent_id, name from {chatbotx__agents}"

DAILY = """
    select local_date, channel, {sums}
    from {chatbotx__daily}
    where {days}
    group by local_date, channel
    order by local_date, channel
"""

HOURS = """
    select
        local_date, channel, local_hour,
        count(case when direction = 'incoming' then 1 end),
        count(case when sender_kind = 'agent' then 1 end)
    from {chatbotx__messages}
    where is_counted and direction <> 'activity' and {days}
    group by local_date, channel, local_hour
    order by local_date, channel, local_hour
"""

HANDLED = """
    select local_date, channel, handled_by, count(*), count(case when is_resolved then 1 end)
    from {chatbotx__conversation_sessions}
    where asked_at is not null and {days}
    group by local_date, channel, handled_by
    order by local_date, channel, handled_by
"""

# Whole seconds, and three digits of large numbers: half of one percent off at most.
RESPONSES = """
    select local_date, channel, sender, rounded, count(*)
    from (
        select
            local_date, channel, sender,
            case
                when seconds < 1000 then floor(seconds + 0.5)
                when seconds < 10000 then floor(seconds / 10 + 0.5) * 10
                when seconds < 100000 then floor(seconds / 100 + 0.5) * 100
                else floor(seconds / 1000 + 0.5) * 1000
            end as rounded
        from (
            select local_date, channel, 'bot' as sender, first_bot_response_seconds as seconds
            from {chatbotx__conversation_sessions}
            where {days}
            union all
            select local_date, channel, 'agent', first_agent_response_seconds
            from {chatbotx__conversation_sessions}
            where {days}
        ) as both_senders
        where seconds is not null
    ) as responses
    group by local_date, channel, sender, rounded
    order by local_date desc, channel, sender, rounded
    limit {most}
"""

AGENT_DAYS = """
    select
        local_date, channel, busiest.agent_id,
        sum(messages), sum(replies), sum(within_5m), sum(within_60m)
    from (
        select
            local_date, channel, agent_id,
            1 as messages, 0 as replies, 0 as within_5m, 0 as within_60m
        from {chatbotx__messages}
        where is_counted and sender_kind = 'agent' and direction = 'outgoing'
        union all
        select
            first_agent_reply_date, channel, agent_id, 0, 1,
            case when first_agent_reply_seconds <= 300 then 1 else 0 end,
            case when first_agent_reply_seconds <= 3600 then 1 else 0 end
        from {chatbotx__reply_times}
        where agent_id is not null
    ) as activity
    left join (
        select agent_id
        from {chatbotx__agents_daily}
        where {days}
        group by agent_id
        order by sum(messages) desc, agent_id
        limit {most_agents}
    ) as busiest on busiest.agent_id = activity.agent_id
    where {days}
    group by local_date, channel, busiest.agent_id
    order by local_date desc, channel, busiest.agent_id
    limit {most}
"""

WAITS = """
    select channel, {counts}
    from {chatbotx__conversations}
    where is_waiting
    group by channel
    order by channel
"""

WAITING = """
    select channel, name, waiting_since
    from (
        select
            channel, coalesce(contact_name, contact_id) as name, waiting_since, conversation_id,
            row_number() over (
                partition by channel order by waiting_since, conversation_id
            ) as place
        from {chatbotx__conversations}
        where is_waiting
    ) as longest
    where place <= {most}
    order by waiting_since, conversation_id
"""
