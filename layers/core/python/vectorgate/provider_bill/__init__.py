"""The provider's own reports of usage and costs beside the gateway's records, by UTC day."""
