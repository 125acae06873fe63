{{ config(materialized='view') }}

select
    attachments.id as attachment_id,
    attachments.message_id,
    messages.contact_id,
    messages.conversation_id,
    messages.channel,
    messages.inbox_id,
    messages.direction,
    messages.sender_kind,
    messages.sent_at,
    messages.local_date,
    case
        when attachments.file_type in ('image', 'video', 'audio', 'gif', 'file')
            then attachments.file_type
        else 'other'
    end as kind,
    attachments.mime_type,
    attachments.name,
    attachments.width,
    attachments.height,
    coalesce(attachments.size, 0) as bytes,
    attachments.url,
    messages.is_counted
from {{ source('chatbotx', 'messages__attachments') }} as attachments
-- An attachment that the message has lost since may have stayed, of an earlier load.
inner join {{ source('chatbotx', 'messages') }} as loaded
    on loaded.id = attachments.message_id
    and loaded._dlt_load_id = attachments._dlt_load_id
inner join {{ ref('chatbotx__messages') }} as messages
    on messages.message_id = attachments.message_id
where not coalesce(attachments._removed, false)
