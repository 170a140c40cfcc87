using System.Globalization;
using Mosaik.Hybrid.Churn;

// One program: the run for people and CI, and the child process that it starts.
if (args is [ChurnNode.Verb, .. var rest])
{
    return await ChurnNode.RunAsync(rest);
}

var duration = TimeSpan.FromMinutes(10);
var nodes = 10;
var seed = 1UL;
for (var place = 0; place < args.Length; place += 2)
{
    var value = place + 1 < args.Length ? args[place + 1] : "";
    var isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
    switch (args[place])
    {
        case "--minutes" when isNumber:
            duration = TimeSpan.FromMinutes(number);
            break;
        case "--seconds" when isNumber:
            duration = TimeSpan.FromSeconds(number);
            break;
        case "--nodes" when isNumber && number >= 4:
            nodes = number;
            break;
        case "--seed" when isNumber:
            seed = (ulong)number;
            break;
        default:
            await Console.Error.WriteLineAsync(
                "usage: Mosaik.Hybrid.Churn [--minutes 10 | --seconds N] [--nodes 10] [--seed 1]\n"
                    + "Processes on loopback join, leave and are killed under load; then the history must be linearizable and "
                    + "all digests equal. Exit code 0 only then."
            );
            return 2;
    }
}

var directory = Directory.CreateTempSubdirectory("mosaik-churn-");
try
{
    var run = new ChurnRun(new ChurnOptions(nodes, duration, seed, directory.FullName), Console.Out);
    return await run.RunAsync() ? 0 : 1;
}
finally
{
    directory.Delete(recursive: true);
}
