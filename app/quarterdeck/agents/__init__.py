"""How agents are held and spoken to: keeper, journal and spool, the ACP driver, the runbook agent."""
