// Package console serves the web pages on which people answer requests for
// approval, look at what runs, stop it and freeze it.
//
// Who signs in brings a token of the configuration, once, in a form. From then
// on a cookie with a random id stands for them, for twelve hours and on these
// pages only. The pages show a request to those who may answer it, to whoever
// asked, and to operators; nobody else learns that it exists.
package console
