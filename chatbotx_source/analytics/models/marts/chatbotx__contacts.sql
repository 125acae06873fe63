{%- set internal_ids = var('chatbotx_internal_ids') | map('string') | list -%}

with inboxes as (
    select
        contact_id,
        string_agg(distinct channel, ', ' order by channel) as channels
    from {{ source('chatbotx', 'contacts__contact_inboxes') }}
    where not coalesce(_removed, false)
    group by contact_id
),

tags as (
    select contact_id, string_agg(name, ', ' order by name) as tags
    from {{ source('chatbotx', 'contacts__tags') }}
    where not coalesce(_removed, false) and deleted_at is null
    group by contact_id
),

-- Where a contact belongs: the inbox of its first message, or else the first that it has.
first_messages as (
    select contact_id, first_channel as channel, first_inbox_id as inbox_id
    from (
        select
            *,
            row_number() over (
                partition by contact_id order by first_message_at nulls last, conversation_id
            ) as number_of_conversation
        from {{ ref('chatbotx__conversations') }}
    ) as numbered
    where number_of_conversation = 1
),

first_inboxes as (
    select contact_id, channel, inbox_id
    from (
        select
            *,
            row_number() over (partition by contact_id order by length(id), id) as number_of_inbox
        from {{ source('chatbotx', 'contacts__contact_inboxes') }}
        where not coalesce(_removed, false)
    ) as numbered
    where number_of_inbox = 1
),

activity as (
    select
        contact_id,
        min(first_message_at) as first_message_at,
        max(last_message_at) as last_message_at,
        count(*) as conversations,
        sum(messages) as messages,
        sum(messages_in) as messages_in,
        sum(messages_out) as messages_out,
        sum(sessions) as sessions,
        sum(turns) as turns,
        sum(turns_answered) as turns_answered,
        min(waiting_since) as waiting_since,
        max(waiting_seconds) as waiting_seconds
    from {{ ref('chatbotx__conversations') }}
    group by contact_id
),

known as (
    select id as contact_id
    from {{ source('chatbotx', 'contacts') }}
    union
    select contact_id
    from activity
)

select
    known.contact_id,
    contacts.full_name as name,
    contacts.phone_number,
    contacts.email,
    contacts.country,
    contacts.city,
    contacts.locale,
    contacts.workspace_id,
    coalesce(first_messages.channel, first_inboxes.channel, 'unknown') as channel,
    coalesce(first_messages.inbox_id, first_inboxes.inbox_id, 'unknown') as inbox_id,
    inboxes.channels,
    tags.tags,
    contacts.created_at,
    {{ chatbotx_local_date('contacts.created_at') }} as local_date,
    contacts.subscribed_at,
    contacts.blocked_at,
    contacts.removed_at,
    {% if internal_ids -%}
    known.contact_id in ({{ chatbotx_texts(internal_ids) }})
    {%- else -%}
    false
    {%- endif %} as is_internal,
    activity.first_message_at,
    activity.last_message_at,
    coalesce(activity.conversations, 0) as conversations,
    cast(coalesce(activity.messages, 0) as bigint) as messages,
    cast(coalesce(activity.messages_in, 0) as bigint) as messages_in,
    cast(coalesce(activity.messages_out, 0) as bigint) as messages_out,
    cast(coalesce(activity.sessions, 0) as bigint) as sessions,
    cast(coalesce(activity.turns, 0) as bigint) as turns,
    cast(coalesce(activity.turns_answered, 0) as bigint) as turns_answered,
    activity.waiting_since is not null as is_waiting,
    activity.waiting_since,
    activity.waiting_seconds,
    unfinished.reason as unfinished_reason
from known
left join {{ source('chatbotx', 'contacts') }} as contacts on contacts.id = known.contact_id
left join inboxes on inboxes.contact_id = known.contact_id
left join tags on tags.contact_id = known.contact_id
left join first_messages on first_messages.contact_id = known.contact_id
left join first_inboxes on first_inboxes.contact_id = known.contact_id
left join activity on activity.contact_id = known.contact_id
left join {{ source('chatbotx', '_chatbotx_unfinished') }} as unfinished
    on unfinished.contact_id = known.contact_id
