"""What steps that create Kubernetes objects share: create or adopt, watch, stream logs, explain, clean up."""
