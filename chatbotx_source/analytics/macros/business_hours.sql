{#- The weekday (1 is Monday), and the minutes after midnight, of each opening. -#}
{% macro chatbotx_openings() -%}
    {%- set weekdays = [
        'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'
    ] -%}
    {%- set openings = [] -%}
    {%- for name, hours in var('chatbotx_business_hours').items() -%}
        {%- if name not in weekdays or hours | length != 2 -%}
            {{ exceptions.raise_compiler_error(
                "chatbotx_business_hours takes weekdays with two times, such as"
                ~ ' monday: ["09:00", "18:00"], not ' ~ name ~ ": " ~ hours
            ) }}
        {%- endif -%}
        {%- set minutes = [] -%}
        {%- for time in hours -%}
            {%- set hour, minute = time.split(':') -%}
            {%- do minutes.append(60 * hour | int + minute | int) -%}
        {%- endfor -%}
        {%- do openings.append((weekdays.index(name) + 1, minutes[0], minutes[1])) -%}
    {%- endfor -%}
    {{ return(openings) }}
{%- endmacro %}


{#- Business minutes between two instants; each must be joined to the calendar by its local date. -#}
{% macro chatbotx_business_minutes(since, since_day, until, until_day) -%}
    {%- set seconds -%}
        {{ chatbotx_open_seconds(until, until_day) }} - {{ chatbotx_open_seconds(since, since_day) }}
    {%- endset -%}
    {{ chatbotx_rounded('(' ~ seconds ~ ') / 60', digits=3) }}
{%- endmacro %}

{#- Seconds of business from the calendar's first day to an instant. -#}
{% macro chatbotx_open_seconds(instant, day) -%}
    ({{ day }}.open_seconds_before + {{ chatbotx_seconds(
        day ~ '.opens_at',
        'greatest(' ~ day ~ '.opens_at, least(' ~ instant ~ ', ' ~ day ~ '.closes_at))'
    ) }})
{%- endmacro %}
