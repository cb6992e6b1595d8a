"""UnionPay's acquirer platform, ACP 5.1.0. Facts are from open.unionpay.com unless a line says otherwise."""
