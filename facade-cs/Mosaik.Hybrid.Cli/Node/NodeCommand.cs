using System.Runtime.InteropServices;
using Mosaik.Hybrid.Cli.Arguments;
using Mosaik.Hybrid.Cli.Kv;
using Mosaik.Hybrid.Cli.Tickets;
using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;
using Spectre.Console;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary><c>mosaik node</c>: joins the group, runs lines of input, and leaves in good order.</summary>
internal static class NodeCommand
{
    /// <summary>Runs until quit, the end of the input, SIGINT or SIGTERM.</summary>
    /// <returns>1 when a line of a file or pipe failed.</returns>
    public static async Task<int> RunAsync(NodeOptions options)
    {
        var output = CreateOutput(options);
        var key = KeyFile.Load(options.KeyFile, options.CreateKey);
        if (KeyFile.IsOpenToOthers(options.KeyFile))
        {
            output.Write(
                Reports.Warning(
                    $"others may read the key file '{options.KeyFile}': run 'chmod 600 {options.KeyFile}'."
                )
            );
        }

        if (options.Data is { } data)
        {
            Directory.CreateDirectory(data);
        }

        using var input = OpenInput(options);
        using var signals = new StopSignals();
        await using var logger = new NodeLogger(output);
        var consensus = Consensus(options);
        try
        {
            await using var network = await StartAsync(options, logger, signals.Token);
            await using var tickets = TicketFile.Attach(options.TicketFile, network, output);
            await using var group = Builder(options, network, key)
                .WithStateMachine(new KvMachine())
                .WithCommandCodec(new KvCodec())
                .WithLogStorage(NodeStorage.Create(options.Storage, options.Data))
                .WithConsensusConfig(consensus)
                .WithSnapshots(options.ToSnapshots())
                .Join();
            logger.Position = () => $", applied {group.Committed} of {group.LogPosition.Index}";
            output.Write(Reports.Ready(network, group));
            return await RunAsync(options, group, input, output, signals.Token);
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            output.Write(Reports.End("a signal came"));
            return ExitCodes.Ok;
        }
    }

    private static async Task<int> RunAsync(
        NodeOptions options,
        Group<KvCommand, KvQuery, KvAnswer> group,
        Stream input,
        NodeOutput output,
        CancellationToken cancellationToken
    )
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var runner = new CommandRunner(group, new MapClient(group, options.Timeout), output);
        // An index that is never reached: this wait ends with the group.
        var ended = group.When.Committed.Reaches(new LogIndex(ulong.MaxValue), over.Token);
        var running = runner.RunAsync(input, over.Token);
        if (await Task.WhenAny(running, ended) == ended)
        {
            await over.CancelAsync();
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ended;
        }

        var end = await running;
        if (options.Stay && end == InputEnd.EndOfInput)
        {
            await ended;
        }

        await over.CancelAsync();
        await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        output.Write(Reports.End(end == InputEnd.Quit ? "quit" : "the input has ended"));
        var isScript = options.Exec is not null || Console.IsInputRedirected;
        return isScript && runner.Failures > 0 ? ExitCodes.Failed : ExitCodes.Ok;
    }

    /// <summary>What all commands that join a group have in common.</summary>
    public static GroupBuilder Builder(NodeOptions options, Network network, GroupKey key)
    {
        var builder = network.Groups.WithKey(key);
        return Validator(options) is { } validator ? builder.RequireTicket(validator) : builder;
    }

    /// <summary>Starts the node.</summary>
    public static async Task<Network> StartAsync(
        NodeOptions options,
        NodeLogger logger,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var builder = Network
                .Builder(options.Network)
                .WithLoggerFactory(logger)
                .WithBootstrapPeers((IEnumerable<PeerAddress>)options.Peers);
            builder = options.Listen is { } listen ? builder.ListenOn(listen.ToString()) : builder;
            builder = options.IdentityFile is { } file ? builder.WithIdentityFile(file) : builder;
            return await builder.StartAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            // The identity file or the network's name; the library's sentence says which and what to do.
            throw new ToolException(exception.Message);
        }
    }

    private static Jwt? Validator(NodeOptions options)
    {
        if (options.TicketKeyFile is not { } path)
        {
            return options.TicketIssuers.Count == 0
                ? null
                : throw ArgumentParser.Wrong(NodeOptions.Spec, "--ticket-issuer needs --ticket-key-file.");
        }

        var jwt = Jwt.WithKey(TicketKeyFile.ReadVerifying(path, null, null));
        return options.TicketIssuers.Aggregate(jwt, static (all, issuer) => all.AllowIssuer(issuer));
    }

    /// <summary>The parameters that all nodes share.</summary>
    public static ConsensusConfig Consensus(NodeOptions options)
    {
        try
        {
            return options.ToConsensus();
        }
        catch (ConsensusConfigException exception)
        {
            throw ArgumentParser.Wrong(NodeOptions.Spec, exception.Message);
        }
    }

    private static NodeOutput CreateOutput(NodeOptions options) =>
        options.IsJson
            ? new JsonLinesOutput(Console.OpenStandardOutput())
            : new TextOutput(Console.Out, Consoles.Error);

    private static Stream OpenInput(NodeOptions options)
    {
        if (options.Exec is { } path)
        {
            return File.Exists(path)
                ? File.OpenRead(path)
                : throw new ToolException($"There is no file '{path}' to read commands from.");
        }

        if (!Console.IsInputRedirected && !options.IsJson)
        {
            Consoles.Error.WriteLine("Type commands; 'help' lists them, 'quit' ends.");
        }

        return Console.OpenStandardInput();
    }
}

/// <summary>SIGINT and SIGTERM as a token: the first asks to end in good order, a second ends at once.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Begins to listen.</summary>
    public StopSignals() =>
        _registrations = [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = !_stop.IsCancellationRequested;
        _stop.Cancel();
    }
}
