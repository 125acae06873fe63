"""The DAG in Airflow, the assets in Dagster."""
