"""What runs in the container of a job or server made by Fairing's calls; copied into its code layer."""
