{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='message_id',
    on_schema_change='fail'
) }}

{%- set settings = chatbotx_settings() -%}
{%- set internal_ids = var('chatbotx_internal_ids') | map('string') | list -%}

with inboxes as (
    select
        id as contact_inbox_id,
        contact_id,
        channel,
        inbox_id,
        inbox__name as inbox_name
    from {{ source('chatbotx', 'contacts__contact_inboxes') }}
    where not coalesce(_removed, false)
),

{% if is_incremental() -%}
-- What a message is made of: its own row, its contact and its inbox. It is written again when any
-- of them has changed since: a load that is new, a mark of removal, another name.
known_loads as (
    select distinct _dlt_load_id
    from {{ this }}
    where settings = '{{ settings }}'
),

newly_removed as (
    select id
    from {{ source('chatbotx', 'messages') }}
    where removed_at is not null
    except
    select message_id
    from {{ this }}
    where removed_at is not null
),

known_contacts as (
    select distinct contact_id, contact_inbox_id, contact_name, channel, inbox_id, inbox_name
    from {{ this }}
),

changed_contacts as (
    select known_contacts.contact_id
    from known_contacts
    left join {{ source('chatbotx', 'contacts') }} as contacts
        on contacts.id = known_contacts.contact_id
    left join inboxes
        on inboxes.contact_inbox_id = known_contacts.contact_inbox_id
        and inboxes.contact_id = known_contacts.contact_id
    where
        known_contacts.contact_name is distinct from contacts.full_name
        or known_contacts.channel <> coalesce(inboxes.channel, 'unknown')
        or known_contacts.inbox_id <> coalesce(inboxes.inbox_id, 'unknown')
        or known_contacts.inbox_name is distinct from inboxes.inbox_name
),

changed as (
    select id
    from {{ source('chatbotx', 'messages') }}
    where _dlt_load_id not in (select _dlt_load_id from known_loads)
    union
    select id
    from newly_removed
    union
    select messages.id
    from {{ source('chatbotx', 'messages') }} as messages
    inner join changed_contacts on changed_contacts.contact_id = messages.contact_id
),
{%- endif %}

messages as (
    select
        messages.*,
        coalesce(
            case when message_type in ('incoming', 'outgoing', 'activity') then message_type end,
            -- Not every server sends the type.
            case
                when sender_type = 'contact' or contact__id is not null or sender_id = contact_id
                    then 'incoming'
                else 'outgoing'
            end
        ) as direction
    from {{ source('chatbotx', 'messages') }} as messages
    {%- if is_incremental() %}
    inner join changed on changed.id = messages.id
    {%- endif %}
),

-- A process that dies after it has recorded a load may record it again.
loads as (
    select distinct load_id
    from {{ source('chatbotx', '_dlt_loads') }}
),

attachments as (
    select
        attachments.message_id,
        count(*) as attachments,
        sum(attachments.size) as attachment_bytes
    from {{ source('chatbotx', 'messages__attachments') }} as attachments
    -- An attachment that the message has lost since may have stayed, of an earlier load.
    inner join messages
        on messages.id = attachments.message_id
        and messages._dlt_load_id = attachments._dlt_load_id
    where not coalesce(attachments._removed, false)
    group by attachments.message_id
),

enriched as (
    select
        messages.id as message_id,
        messages.contact_id,
        contacts.full_name as contact_name,
        messages.conversation_id,
        messages.contact_inbox_id,
        coalesce(inboxes.channel, 'unknown') as channel,
        coalesce(inboxes.inbox_id, 'unknown') as inbox_id,
        inboxes.inbox_name,
        messages.workspace_id,
        messages.direction,
        case
            when messages.direction = 'activity' then 'system'
            when messages.direction = 'incoming' then 'contact'
            when messages.sender_type = 'user' or messages.user__id is not null then 'agent'
            when messages.sender_type in ('api', 'system') then messages.sender_type
            else 'bot'
        end as sender_kind,
        coalesce(messages.user__id, messages.sender_id) as sender_id,
        messages.type = 'comment' as is_comment,
        messages.content_type,
        messages.text,
        messages.created_at as sent_at,
        {{ chatbotx_local('messages.created_at') }} as sent_at_local,
        messages.updated_at,
        messages.deleted_at,
        messages.removed_at,
        coalesce(attachments.attachments, 0) as attachments,
        coalesce(attachments.attachment_bytes, 0) as attachment_bytes,
        messages._dlt_load_id,
        -- None for rows of a load that is still being written, which are read again therefore.
        case when loads.load_id is not null then '{{ settings }}' end as settings
    from messages
    left join {{ source('chatbotx', 'contacts') }} as contacts on contacts.id = messages.contact_id
    left join inboxes
        on inboxes.contact_inbox_id = messages.contact_inbox_id
        and inboxes.contact_id = messages.contact_id
    left join attachments on attachments.message_id = messages.id
    left join loads on loads.load_id = messages._dlt_load_id
),

flagged as (
    select
        *,
        {%- if internal_ids %}
        coalesce(contact_id in ({{ chatbotx_texts(internal_ids) }}), false)
        or coalesce(sender_id in ({{ chatbotx_texts(internal_ids) }}), false)
        {%- else %}
        false
        {%- endif %} as is_internal
    from enriched
)

select
    message_id,
    contact_id,
    contact_name,
    conversation_id,
    contact_inbox_id,
    channel,
    inbox_id,
    inbox_name,
    workspace_id,
    direction,
    sender_kind,
    sender_id,
    case when sender_kind = 'agent' then coalesce(sender_id, 'unknown') end as agent_id,
    coalesce(is_comment, false) as is_comment,
    content_type,
    text,
    sent_at,
    cast(sent_at_local as date) as local_date,
    cast(extract(isodow from sent_at_local) as integer) as local_weekday,
    cast(extract(hour from sent_at_local) as integer) as local_hour,
    updated_at,
    deleted_at,
    removed_at,
    deleted_at is not null as is_deleted,
    removed_at is not null as is_removed,
    is_internal,
    not is_internal
    {%- if not var('chatbotx_count_deleted') %}
    and deleted_at is null
    {%- endif %}
    {%- if not var('chatbotx_count_removed') %}
    and removed_at is null
    {%- endif %}
    and sent_at is not null
    and conversation_id is not null as is_counted,
    cast(attachments as bigint) as attachments,
    cast(attachment_bytes as bigint) as attachment_bytes,
    _dlt_load_id,
    settings,
    {{ chatbotx_built_at() }} as built_at
from flagged
