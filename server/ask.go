package server

import (
	"context"
	"encoding/json"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/chaperone-dev/chaperone/server/gateway"
)

// questionID names the one question that a call may have for the person at the
// client.
const questionID = "confirm"

// incoming is a request as the gateway takes it, with the means to reach the
// person at the client while it is under way.
func (e *Edge) incoming(ctx context.Context, s *session, r mcp.CallToolRequest) gateway.Incoming {
	in := gateway.Incoming{Tool: r.Params.Name, Args: r.Params.RawArguments, Confirm: e.confirmer(ctx, s)}
	if meta := r.Params.Meta; meta != nil && meta.ProgressToken != nil {
		note := e.progress(ctx, meta.ProgressToken)
		in.Progress = func(_ int, message string) { note(message) }
		in.Stream = func(_, lines string) { note(lines) }
	}
	// An answer counts only with a ticket of ours: a client may send whatever
	// it likes along with a first call.
	if r.Params.RequestState != "" {
		in.Ticket = gateway.Ticket{Sealed: r.Params.RequestState}
		if a := mcpserver.ElicitationResponse(r.Params.InputResponses, questionID); a != nil {
			in.Ticket.Answer = answerOf(a)
		}
	}
	return in
}

// progress sends notes of progress, which are counted.
func (e *Edge) progress(ctx context.Context, token mcp.ProgressToken) func(message string) {
	var sent atomic.Int64
	return func(message string) {
		// A client that is gone is told nothing.
		_ = e.mcp.SendNotificationToClient(ctx, string(mcp.MethodNotificationProgress), map[string]any{
			"progressToken": token, "progress": sent.Add(1), "message": message,
		})
	}
}

// confirmer asks the person at the client; nil where the client can't.
func (e *Edge) confirmer(ctx context.Context, s *session) func(context.Context, string) (gateway.Answer, error) {
	if info := mcpserver.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		if info.ClientCapabilities == nil || info.ClientCapabilities.Elicitation == nil {
			return nil
		}
		// There the client asks by itself, and makes the call again.
		return func(context.Context, string) (gateway.Answer, error) { return gateway.Later, nil }
	}
	if !s.elicits() {
		return nil
	}
	return func(limited context.Context, question string) (gateway.Answer, error) {
		// Of the request's context only the values are of use: it ends with the
		// connection, and limited does with the call.
		asking, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer context.AfterFunc(limited, cancel)()
		answer, err := e.mcp.RequestElicitation(asking, mcp.ElicitationRequest{
			Request: mcp.Request{Method: string(mcp.MethodElicitationCreate)}, Params: elicitation(question),
		})
		if err != nil || answer == nil {
			return "", err
		}
		return answerOf(answer), nil
	}
}

// elicitation is a question that is answered by accepting or declining it.
func elicitation(question string) mcp.ElicitationParams {
	return mcp.ElicitationParams{Message: question, RequestedSchema: json.RawMessage(`{"type":"object","properties":{}}`)}
}

func answerOf(a *mcp.ElicitationResult) gateway.Answer {
	switch a.Action {
	case mcp.ElicitationResponseActionAccept:
		return gateway.Accepted
	case mcp.ElicitationResponseActionDecline:
		return gateway.Declined
	}
	return gateway.Dismissed
}

// ask puts a reply that asks into MCP's words.
func ask(reply gateway.Reply) *mcp.CallToolResult {
	return mcpserver.NewInputRequestBuilder(reply.Ticket).Elicit(questionID, elicitation(reply.Message)).ToolResult()
}
