with named as (
    select
        conversation__assigned_user__id as agent_id,
        conversation__assigned_user__name as name,
        conversation__assigned_user__email as email,
        conversation__assigned_user__updated_at as updated_at
    from {{ source('chatbotx', 'contacts') }}
    where conversation__assigned_user__id is not null
    union all
    select user__id, user__name, user__email, user__updated_at
    from {{ source('chatbotx', 'messages') }}
    where user__id is not null
),

newest as (
    select
        *,
        row_number() over (
            partition by agent_id order by updated_at desc nulls last, name, email
        ) as age
    from named
),

activity as (
    select
        agent_id,
        min(sent_at) as first_message_at,
        max(sent_at) as last_message_at,
        count(*) as messages
    from {{ ref('chatbotx__messages') }}
    where is_counted and agent_id is not null
    group by agent_id
)

select
    coalesce(newest.agent_id, activity.agent_id) as agent_id,
    coalesce(newest.name, newest.email, newest.agent_id, activity.agent_id) as name,
    newest.email,
    activity.first_message_at,
    activity.last_message_at,
    coalesce(activity.messages, 0) as messages
from (select * from newest where age = 1) as newest
full outer join activity on activity.agent_id = newest.agent_id
