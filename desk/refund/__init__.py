"""One refund: its page, its preview beside the queue, and what people do with it."""
