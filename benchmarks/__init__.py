"""What RefundDesk is measured by: rates against the machine's own limits, interleaved in one run."""
