{#- Times: what DuckDB and PostgreSQL spell alike is written out in the models. -#}

{#- Seconds from one instant to another, with their fraction. -#}
{% macro chatbotx_seconds(since, until) -%}
    {{ return(adapter.dispatch('chatbotx_seconds', 'chatbotx')(since, until)) }}
{%- endmacro %}

{% macro default__chatbotx_seconds(since, until) -%}
    cast(extract(epoch from ({{ until }}) - ({{ since }})) as double precision)
{%- endmacro %}

{% macro duckdb__chatbotx_seconds(since, until) -%}
    ((epoch_us({{ until }}) - epoch_us({{ since }})) / cast(1000000 as double))
{%- endmacro %}


{#- The wall clock of the workspace at an instant. -#}
{% macro chatbotx_local(instant) -%}
    timezone('{{ var("chatbotx_timezone") }}', {{ instant }})
{%- endmacro %}

{% macro chatbotx_local_date(instant) -%}
    cast({{ chatbotx_local(instant) }} as date)
{%- endmacro %}


{#- A column `day` with every date from one to another. -#}
{% macro chatbotx_days(first, last) -%}
    {{ return(adapter.dispatch('chatbotx_days', 'chatbotx')(first, last)) }}
{%- endmacro %}

{% macro default__chatbotx_days(first, last) -%}
    cast(generate_series({{ first }}, {{ last }}, interval '1 day') as date) as day
{%- endmacro %}

{% macro duckdb__chatbotx_days(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval '1 day')) as date) as day
{%- endmacro %}


{#- Until when the tables were read: waiting ends there, and nothing depends on when dbt ran. -#}
{% macro chatbotx_as_of() -%}
    (select max(ended) from {{ source('chatbotx', '_chatbotx_syncs') }})
{%- endmacro %}
