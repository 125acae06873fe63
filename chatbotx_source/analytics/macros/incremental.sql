{#-
How a build writes only what is new. `built_at` is the build that wrote a row of messages; the
timeline takes over the newest of them, and what is made of the timeline takes over its. What has
changed since is forgotten, here, before a model runs; the model then adds all that it does not hold.
So a build that broke off is made good by the next.
-#}

{#- What all rows depend on but the data: when it changes, every row is written anew. -#}
{% macro chatbotx_settings() -%}
    {%- set settings = [] -%}
    {%- for name in [
        'timezone', 'session_gap_hours', 'business_hours', 'holidays', 'internal_ids',
        'answering_senders', 'count_deleted', 'count_removed'
    ] -%}
        {%- do settings.append(var('chatbotx_' ~ name)) -%}
    {%- endfor -%}
    {{ return(local_md5(tojson(settings))[:8]) }}
{%- endmacro %}


{% macro chatbotx_forget_changed_timelines() -%}
    {%- if is_incremental() %}
    delete from {{ this }}
    where conversation_id in (
        with changed as (
            select message_id, conversation_id
            from {{ ref('chatbotx__messages') }}
            where built_at > (select max(built_at) from {{ this }})
        )
        select conversation_id from changed where conversation_id is not null
        union
        -- A message may have moved to another conversation.
        select conversation_id
        from {{ this }}
        where message_id in (select message_id from changed)
    )
    {%- endif %}
{%- endmacro %}


{% macro chatbotx_forget_changed_messages() -%}
    {%- if is_incremental() %}
    delete from {{ this }}
    where message_id in (
        select message_id
        from {{ ref('chatbotx__messages') }}
        where built_at > (select max(built_at) from {{ this }})
    )
    {%- endif %}
{%- endmacro %}


{% macro chatbotx_forget_changed_conversations() -%}
    {%- if is_incremental() %}
    delete from {{ this }}
    where conversation_id in (
        select conversation_id
        from {{ ref('int_chatbotx__timeline') }}
        where built_at > (select max(built_at) from {{ this }})
        union
        select held.conversation_id
        from {{ this }} as held
        where {{ chatbotx_missing_in(ref('int_chatbotx__timeline'), 'held') }}
    )
    {%- endif %}
{%- endmacro %}


{% macro chatbotx_not_yet_here(rows, column='conversation_id') -%}
    {{ chatbotx_missing_in(this, rows, column) if is_incremental() else 'true' }}
{%- endmacro %}

{#- Whether a value is nowhere in a relation; `not in` takes PostgreSQL hours when it is long. -#}
{% macro chatbotx_missing_in(relation, rows, column='conversation_id') -%}
    not exists (
        select 1
        from (select distinct {{ column }} from {{ relation }}) as known
        where known.{{ column }} = {{ rows }}.{{ column }}
    )
{%- endmacro %}


{#- When this build began, and later than any before it, whatever the clock says. -#}
{% macro chatbotx_built_at() -%}
    {%- set began = "cast('" ~ run_started_at.isoformat() ~ "' as timestamp with time zone)" -%}
    {%- if is_incremental() -%}
        greatest({{ began }}, (select max(built_at) + interval '1 microsecond' from {{ this }}))
    {%- else -%}
        {{ began }}
    {%- endif -%}
{%- endmacro %}


{#- Texts as a list of SQL. -#}
{% macro chatbotx_texts(texts) -%}
    {%- for text in texts -%}
        '{{ text | replace("'", "''") }}'{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
