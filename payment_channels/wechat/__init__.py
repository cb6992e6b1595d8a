"""WeChat Pay, API v3. Facts are from pay.weixin.qq.com/doc/v3 unless a line says otherwise."""
