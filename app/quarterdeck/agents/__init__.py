"""How agents are held and spoken to: keeper, journal, spool, ACP, the runbook agent."""
