{#- No two rows have the same values in these columns. -#}
{% test unique_together(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}


{#- A condition is true of every row; of a column, only where it is not null. -#}
{% test holds(model, condition, column_name=none) %}
select *
from {{ model }}
where not coalesce(({{ condition }}), false)
{%- if column_name %} and {{ column_name }} is not null{% endif %}
{% endtest %}
