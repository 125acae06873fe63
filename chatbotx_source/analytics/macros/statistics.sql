{#- The value in the first row of a group that meets a condition. -#}
{% macro chatbotx_first(value, ordered_by, condition) -%}
    {{ return(adapter.dispatch('chatbotx_first', 'chatbotx')(value, ordered_by, condition)) }}
{%- endmacro %}

{% macro default__chatbotx_first(value, ordered_by, condition) -%}
    (array_agg({{ value }} order by {{ ordered_by }}) filter (where {{ condition }}))[1]
{%- endmacro %}

{% macro duckdb__chatbotx_first(value, ordered_by, condition) -%}
    arg_min({{ value }}, {{ ordered_by }}) filter (where {{ condition }})
{%- endmacro %}


{#- A number, rounded to where databases agree. -#}
{% macro chatbotx_rounded(value, digits=6) -%}
    cast(round(cast({{ value }} as numeric(24, 6)), {{ digits }}) as double precision)
{%- endmacro %}


{#- A percentile, interpolated. -#}
{% macro chatbotx_percentile(share, value, condition='true') -%}
    {{ chatbotx_rounded(
        'percentile_cont(' ~ share ~ ') within group (order by ' ~ value ~ ')'
        ~ ' filter (where ' ~ condition ~ ')'
    ) }}
{%- endmacro %}


{#- A median of values that know their place among the others of their group, counted from 1 with
    nulls last: the middle one, or half way between the middle two. -#}
{% macro chatbotx_median_by_place(value, place, values) -%}
    {%- set in_the_middle = '2 * ' ~ place ~ ' between ' ~ values ~ ' and ' ~ values ~ ' + 2' -%}
    {{ chatbotx_rounded('avg(case when ' ~ in_the_middle ~ ' then ' ~ value ~ ' end)') }}
{%- endmacro %}


{#- The part of a whole, from 0 to 1; null of nothing. -#}
{% macro chatbotx_share(part, whole) -%}
    {{ chatbotx_rounded(
        'cast(' ~ part ~ ' as double precision) / nullif(' ~ whole ~ ', 0)', digits=4
    ) }}
{%- endmacro %}
