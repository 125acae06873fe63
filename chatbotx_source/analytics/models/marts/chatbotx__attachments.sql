{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook='{{ chatbotx_forget_changed_messages() }}'
) }}

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
    messages.is_counted,
    messages.built_at
from {{ source('chatbotx', 'messages__attachments') }} as attachments
-- An attachment that the message has lost since may have stayed, of an earlier load.
inner join {{ ref('chatbotx__messages') }} as messages
    on messages.message_id = attachments.message_id
    and messages._dlt_load_id = attachments._dlt_load_id
where not coalesce(attachments._removed, false)
{%- if is_incremental() %}
and messages.built_at > (
    select coalesce(max(built_at), timestamp with time zone '1970-01-01 00:00:00+00') from {{ this }}
)
and {{ chatbotx_not_yet_here('attachments', 'message_id') }}
{%- endif %}
