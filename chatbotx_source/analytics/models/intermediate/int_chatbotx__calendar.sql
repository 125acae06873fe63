{%- set openings = chatbotx_openings() -%}

with range_of_days as (
    select
        greatest(min(local_date), date '1990-01-01') as first_day,
        least(max(local_date), date '2100-01-01') as last_day
    from {{ ref('chatbotx__messages') }}
    having count(local_date) > 0
),

days as (
    select {{ chatbotx_days('cast(first_day as timestamp)', 'cast(last_day as timestamp)') }}
    from range_of_days
),

hours as (
    select
        day,
        {%- for bound in (1, 2) %}
        timezone('{{ var("chatbotx_timezone") }}', cast(day as timestamp) + case
            {%- for holiday in var('chatbotx_holidays') %}
            when day = date '{{ holiday }}' then interval '0 minutes'
            {%- endfor %}
            {%- for opening in openings %}
            when extract(isodow from day) = {{ opening[0] }} then interval '{{ opening[bound] }} minutes'
            {%- endfor %}
            else interval '0 minutes'
        end) as {{ 'opens_at' if bound == 1 else 'closes_at' }}{{ ',' if bound == 1 }}
        {%- endfor %}
    from days
)

select
    day,
    opens_at,
    closes_at,
    coalesce(sum({{ chatbotx_seconds('opens_at', 'closes_at') }}) over (
        order by day
        rows between unbounded preceding and 1 preceding
    ), 0) as open_seconds_before
from hours
