using System.Reflection;
using Mosaik.Hybrid.Cli.Arguments;
using Mosaik.Hybrid.Cli.Demo;
using Mosaik.Hybrid.Cli.Node;
using Mosaik.Hybrid.Cli.Tickets;
using Spectre.Console;

namespace Mosaik.Hybrid.Cli;

/// <summary>Finds the command, runs it, and turns expected errors into a message and an exit code.</summary>
internal static class MosaikTool
{
    private static readonly CommandSpec[] s_commands =
    [
        DemoOptions.Spec,
        NodeOptions.Spec,
        StatusCommand.Spec,
        VerifyLogCommand.Spec,
        RecoverCommand.Spec,
        KeygenCommand.Spec,
        TicketKeygenCommand.Spec,
        TicketIssueCommand.Spec,
        TicketInspectCommand.Spec,
    ];

    /// <summary>The version that was built, as <c>0.1.0</c>.</summary>
    public static string Version { get; } =
        typeof(MosaikTool)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    /// <summary>Runs the program. Never throws for what a user can cause.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var errors = Consoles.Error;
        try
        {
            return await DispatchAsync(arguments);
        }
        catch (UsageException exception)
        {
            errors.MarkupLineInterpolated($"[red]error:[/] {exception.Message}");
            errors.MarkupLineInterpolated($"[grey]{exception.Hint}[/]");
            return ExitCodes.Usage;
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            errors.MarkupLineInterpolated($"[red]error:[/] {exception.Message}");
            return ExitCodes.Failed;
        }
    }

    private static async Task<int> DispatchAsync(string[] arguments)
    {
        var (first, rest) = Split(arguments);
        switch (first)
        {
            case "ticket" or "ticket --help" or "ticket -h" or "ticket help":
                HelpPage.WriteOverview(
                    Consoles.Output,
                    Array.FindAll(
                        s_commands,
                        static spec => spec.Name.StartsWith("ticket ", StringComparison.Ordinal)
                    )
                );
                return ExitCodes.Ok;
            case null or "--help" or "-h" or "help":
                HelpPage.WriteOverview(Consoles.Output, s_commands);
                return ExitCodes.Ok;
            case "--version" or "-V":
                await Console.Out.WriteLineAsync($"mosaik {Version}");
                return ExitCodes.Ok;
            case { } name when Array.Find(s_commands, spec => spec.Name == name) is { } spec:
                var parsed = ArgumentParser.Parse(spec, rest);
                if (parsed.IsHelpWanted)
                {
                    HelpPage.Write(Consoles.Output, spec);
                    return ExitCodes.Ok;
                }

                return await RunAsync(parsed);
            case { } name:
                throw new UsageException(
                    ArgumentParser.Unknown("command", name, s_commands.Select(spec => spec.Name)),
                    "Run 'mosaik --help' for the commands."
                );
        }
    }

    private static Task<int> RunAsync(ParsedArguments parsed) =>
        parsed.Spec.Name switch
        {
            "node" => NodeCommand.RunAsync(NodeOptions.From(parsed)),
            "demo" => DemoCommand.RunAsync(DemoOptions.From(parsed)),
            "status" => StatusCommand.RunAsync(parsed),
            "recover" => RecoverCommand.RunAsync(parsed),
            "verify-log" => VerifyLogCommand.RunAsync(parsed),
            "ticket keygen" => TicketKeygenCommand.RunAsync(parsed),
            "ticket issue" => TicketIssueCommand.RunAsync(parsed),
            "ticket inspect" => TicketInspectCommand.RunAsync(parsed),
            _ => KeygenCommand.RunAsync(parsed),
        };

    /// <summary>The command's name, which has two words for tickets, and the arguments after it.</summary>
    private static (string? Name, string[] Arguments) Split(string[] arguments) =>
        arguments is ["ticket", var second, ..]
            ? ($"ticket {second}", arguments[2..])
            : (arguments.FirstOrDefault(), [.. arguments.Skip(1)]);

    /// <summary>Errors of the world rather than of this program: they deserve a sentence, not a stack trace.</summary>
    private static bool IsExpected(Exception exception) =>
        exception is ToolException or GroupException or IOException or UnauthorizedAccessException;
}
