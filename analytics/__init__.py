"""What refunds tell: typed figures over a period, each with its n, aggregated by the database."""
