"""What tests share: workspaces with a past, pipelines to load them, the truth to compare with."""
