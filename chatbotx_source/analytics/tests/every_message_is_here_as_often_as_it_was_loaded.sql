-- Each loaded message is a row, and no row is of a message that is not loaded.
select coalesce(loaded.id, built.message_id) as message_id
from {{ source('chatbotx', 'messages') }} as loaded
full outer join {{ ref('chatbotx__messages') }} as built on built.message_id = loaded.id
where loaded.id is null or built.message_id is null
