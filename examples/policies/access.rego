# Everyone may ask what they can reach, and wait for an answer they asked for.
package chaperone

allow contains "everyone may ask for access" if input.call.tool in {"access", "approval_wait"}
