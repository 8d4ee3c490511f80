"""What is said about a published image: its SBOM, how it was built, and whether both are true."""
