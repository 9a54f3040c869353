"""What more than one test module, or a test and a tool, needs. Imports no test module and no tool."""
