"""Who may do what: the table against every act, by every kind of principal, through every door."""
