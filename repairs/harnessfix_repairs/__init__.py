"""Repairs: operators that edit, the audit that holds them to their scope, and the gate that proves them."""
