"""Sample data: two merchants, ninety days behind them and a day in progress. Everything in it is made up."""
