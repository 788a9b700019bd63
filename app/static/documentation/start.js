/* Swagger UI on this server's own definition. Addresses are relative, so that they hold behind a prefix. */
SwaggerUIBundle({
  url: "api",
  dom_id: "#documentation",
  deepLinking: true,
  displayRequestDuration: true,
  presets: [SwaggerUIBundle.presets.apis],
  // Else it would show the definition to a server on the internet.
  validatorUrl: null,
});
