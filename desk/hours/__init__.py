"""When stores are open, which days are holidays, and more time after a disaster."""
