"""A till in the browser: sells, refunds and reports by the product's REST API and nothing else."""
