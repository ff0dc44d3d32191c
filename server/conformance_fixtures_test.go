package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// What the conformance suite wants a server to offer. None of it is part of the
// product; the edge around it is.

const (
	onePixel   = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
	shortSound = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
)

// fixtureServer is an MCP server with everything that the suite asks for.
func fixtureServer() *mcpserver.MCPServer {
	s := mcpserver.NewMCPServer("chaperone", "test",
		mcpserver.WithToolCapabilities(true), mcpserver.WithResourceCapabilities(true, true), mcpserver.WithPromptCapabilities(true),
		mcpserver.WithLogging(), mcpserver.WithElicitation(), mcpserver.WithCompletions(),
	)
	s.EnableSampling()
	addPlainTools(s)
	addAskingTools(s)
	addNoisyTools(s)
	addResources(s)
	addPrompts(s)
	return s
}

func fixtureTool(name string, options ...mcp.ToolOption) mcp.Tool {
	return mcp.NewTool(name, append(options, mcp.WithDescription("A fixture"))...)
}

func fixturePrompt(name string, options ...mcp.PromptOption) mcp.Prompt {
	return mcp.NewPrompt(name, append(options, mcp.WithPromptDescription("A fixture"))...)
}

// yields adds a tool that always yields the same.
func yields(s *mcpserver.MCPServer, name string, content ...mcp.Content) {
	s.AddTool(fixtureTool(name), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{Content: content}, nil
	})
}

func addPlainTools(s *mcpserver.MCPServer) {
	embedded := func(uri, kind, text string) mcp.Content {
		return mcp.NewEmbeddedResource(mcp.TextResourceContents{URI: uri, MIMEType: kind, Text: text})
	}
	yields(s, "test_simple_text", mcp.NewTextContent("This is a simple text response for testing."))
	yields(s, "test_image_content", mcp.NewImageContent(onePixel, "image/png"))
	yields(s, "test_audio_content", mcp.NewAudioContent(shortSound, "audio/wav"))
	yields(s, "test_embedded_resource", embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))
	yields(s, "test_multiple_content_types", mcp.NewTextContent("Multiple content types test:"), mcp.NewImageContent(onePixel, "image/png"),
		embedded("test://mixed-content-resource", "application/json", `{"test":"data","value":123}`))
	s.AddTool(fixtureTool("test_error_handling"), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultError("This tool intentionally returns an error for testing"), nil
	})
	s.AddTool(mcp.NewToolWithRawSchema("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features", json.RawMessage(`{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
		"$defs": {"address": {"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
		"properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
		"additionalProperties": false}`)), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText("{}"), nil
	})
	// It has nothing to close: answers come as JSON, unless there is something
	// to say before.
	yields(s, "test_reconnection", mcp.NewTextContent("Reconnection test completed successfully"))
}

// asks adds a tool that asks the user something.
func asks(s *mcpserver.MCPServer, name string, schema string) {
	s.AddTool(fixtureTool(name, mcp.WithString("message")), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		answer, err := s.RequestElicitation(ctx, mcp.ElicitationRequest{
			Request: mcp.Request{Method: string(mcp.MethodElicitationCreate)},
			Params:  mcp.ElicitationParams{Message: r.GetString("message", "Please tell"), RequestedSchema: json.RawMessage(schema)},
		})
		if err != nil {
			return mcp.NewToolResultError(err.Error()), nil
		}
		return mcp.NewToolResultText(fmt.Sprintf("Elicitation completed: action=%s, content=%v", answer.Action, answer.Content)), nil
	})
}

func addAskingTools(s *mcpserver.MCPServer) {
	asks(s, "test_elicitation", `{"type":"object","properties":{"username":{"type":"string"},"email":{"type":"string"}},"required":["username","email"]}`)
	asks(s, "test_elicitation_sep1034_defaults", `{"type":"object","properties":{
		"name":{"type":"string","default":"John Doe"},"age":{"type":"integer","default":30},"score":{"type":"number","default":95.5},
		"status":{"type":"string","enum":["active","inactive","pending"],"default":"active"},"verified":{"type":"boolean","default":true}}}`)
	asks(s, "test_elicitation_sep1330_enums", `{"type":"object","properties":{
		"untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
		"titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First"},{"const":"value2","title":"Second"}]},
		"legacyEnum":{"type":"string","enum":["opt1","opt2"],"enumNames":["Option One","Option Two"]},
		"untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2"]}},
		"titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First"},{"const":"value2","title":"Second"}]}}}}`)
	s.AddTool(fixtureTool("test_sampling", mcp.WithString("prompt", mcp.Required())), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		answer, err := s.RequestSampling(ctx, mcp.CreateMessageRequest{CreateMessageParams: mcp.CreateMessageParams{
			Messages:  []mcp.SamplingMessage{{Role: mcp.RoleUser, Content: mcp.NewTextContent(r.GetString("prompt", ""))}},
			MaxTokens: 100,
		}})
		if err != nil {
			return mcp.NewToolResultError(err.Error()), nil
		}
		return mcp.NewToolResultText(fmt.Sprint("LLM response: ", answer.Content)), nil
	})
}

// pause is what the suite wants after a message. A message of a call may take the
// stream that the client listens on, and reach it there after the call's answer.
func pause() { time.Sleep(50 * time.Millisecond) }

// addNoisyTools adds tools that say something before they answer.
func addNoisyTools(s *mcpserver.MCPServer) {
	s.AddTool(fixtureTool("test_tool_with_logging"), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		for _, text := range []string{"Tool execution started", "Tool processing data", "Tool execution completed"} {
			if err := s.SendNotificationToClient(ctx, "notifications/message", map[string]any{"level": "info", "data": text}); err != nil {
				return nil, err
			}
			pause()
		}
		return mcp.NewToolResultText("done"), nil
	})
	s.AddTool(fixtureTool("test_tool_with_progress"), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if r.Params.Meta == nil || r.Params.Meta.ProgressToken == nil {
			return mcp.NewToolResultError("there is no progress token"), nil
		}
		for _, done := range []int{0, 50, 100} {
			err := s.SendNotificationToClient(ctx, "notifications/progress", map[string]any{"progressToken": r.Params.Meta.ProgressToken, "progress": done, "total": 100})
			if err != nil {
				return nil, err
			}
			pause()
		}
		return mcp.NewToolResultText("done"), nil
	})
}

func addResources(s *mcpserver.MCPServer) {
	s.AddResource(mcp.NewResource("test://static-text", "text", mcp.WithMIMEType("text/plain")), func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return []mcp.ResourceContents{mcp.TextResourceContents{URI: "test://static-text", MIMEType: "text/plain", Text: "This is the content of the static text resource."}}, nil
	})
	s.AddResource(mcp.NewResource("test://static-binary", "binary", mcp.WithMIMEType("image/png")), func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return []mcp.ResourceContents{mcp.BlobResourceContents{URI: "test://static-binary", MIMEType: "image/png", Blob: onePixel}}, nil
	})
	s.AddResourceTemplate(mcp.NewResourceTemplate("test://template/{id}/data", "template"), func(_ context.Context, r mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		id := strings.Split(r.Params.URI, "/")[3]
		text := fmt.Sprintf(`{"id":%q,"templateTest":true,"data":%q}`, id, "Data for ID: "+id)
		return []mcp.ResourceContents{mcp.TextResourceContents{URI: r.Params.URI, MIMEType: "application/json", Text: text}}, nil
	})
}

func addPrompts(s *mcpserver.MCPServer) {
	says := func(content ...mcp.Content) (*mcp.GetPromptResult, error) {
		var out mcp.GetPromptResult
		for _, c := range content {
			out.Messages = append(out.Messages, mcp.NewPromptMessage(mcp.RoleUser, c))
		}
		return &out, nil
	}
	s.AddPrompt(fixturePrompt("test_simple_prompt"), func(context.Context, mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return says(mcp.NewTextContent("This is a simple prompt for testing."))
	})
	arguments := []mcp.PromptOption{mcp.WithArgument("arg1", mcp.RequiredArgument()), mcp.WithArgument("arg2", mcp.RequiredArgument())}
	s.AddPrompt(fixturePrompt("test_prompt_with_arguments", arguments...), func(_ context.Context, r mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return says(mcp.NewTextContent(fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", r.Params.Arguments["arg1"], r.Params.Arguments["arg2"])))
	})
	s.AddPrompt(fixturePrompt("test_prompt_with_embedded_resource", mcp.WithArgument("resourceUri", mcp.RequiredArgument())), func(_ context.Context, r mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		resource := mcp.TextResourceContents{URI: r.Params.Arguments["resourceUri"], MIMEType: "text/plain", Text: "Embedded resource content for testing."}
		return says(mcp.NewEmbeddedResource(resource), mcp.NewTextContent("Please process the embedded resource above."))
	})
	s.AddPrompt(fixturePrompt("test_prompt_with_image"), func(context.Context, mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return says(mcp.NewImageContent(onePixel, "image/png"), mcp.NewTextContent("Please analyze the image above."))
	})
}
