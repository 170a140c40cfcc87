using System.Text.RegularExpressions;

namespace Mosaik.Hybrid.Examples.Tests.Support;

/// <summary>Three processes of an example that are one group, each with files of its own.</summary>
internal sealed partial class ExampleNodes : IAsyncDisposable
{
    private readonly string _example;
    private readonly string _group;
    private readonly string[] _more;
    private readonly string _folder = Directory.CreateTempSubdirectory("mosaik-example-").FullName;
    private readonly ExampleProcess?[] _processes = new ExampleProcess?[3];
    private readonly string?[] _addresses = new string?[3];

    /// <summary>Prepares the nodes.</summary>
    /// <param name="example">The example's name.</param>
    /// <param name="group">Its group's name.</param>
    /// <param name="more">Further arguments, given the folder that all share.</param>
    public ExampleNodes(string example, string group, Func<string, string[]> more)
    {
        _example = example;
        _group = group;
        _more = more(_folder);
    }

    /// <summary>The group's key.</summary>
    public string Key { get; } = GroupKey.Generate().Export();

    /// <summary>The nodes; a dead one has none.</summary>
    public IReadOnlyList<ExampleProcess?> Processes => _processes;

    /// <summary>Where one that runs can be dialled.</summary>
    public string Address => _addresses.First(static address => address is not null)!;

    /// <summary>A path in the folder that all share.</summary>
    public string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>Starts a node over the files that it may have.</summary>
    public async Task<ExampleProcess> StartAsync(int place)
    {
        // All that live: the first one may be killed before it has answered.
        var peers = string.Join(',', _addresses.OfType<string>());
        var process = ExampleProcess.StartExample(
            _example,
            [
                "--Mosaik:ListenAddresses:0=127.0.0.1:0",
                $"--Mosaik:Groups:{_group}:Key={Key}",
                $"--Mosaik:IdentityFile={PathOf($"{place}.pem")}",
                $"--Mosaik:Groups:{_group}:Storage:Kind=File",
                $"--Mosaik:Groups:{_group}:Storage:Directory={PathOf($"log-{place}")}",
                $"--Mosaik:Groups:{_group}:Storage:SegmentBytes=1048576",
                $"--Mosaik:Peers={peers}",
                .. _more,
            ]
        );
        _processes[place] = process;
        _addresses[place] = await process.SaysAsync(Listens());
        return process;
    }

    /// <summary>Kills a node.</summary>
    public async Task KillAsync(int place)
    {
        _addresses[place] = null;
        await _processes[place]!.DisposeAsync();
        _processes[place] = null;
    }

    /// <summary>Tells a node to stop; gives its exit code.</summary>
    public async Task<int> StopAsync(int place)
    {
        _addresses[place] = null;
        return await _processes[place]!.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.OfType<ExampleProcess>())
        {
            await process.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [GeneratedRegex(@"of network \S+ listens at (127\.0\.0\.1:\d+)")]
    private static partial Regex Listens();
}
