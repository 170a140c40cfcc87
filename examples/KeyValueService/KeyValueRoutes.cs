using Microsoft.AspNetCore.Mvc;
using Mosaik.Hybrid;

namespace KeyValueService;

/// <summary>The map over HTTP. Any instance answers: followers send commands on, and ask a quorum how fresh they must be.</summary>
public static class KeyValueRoutes
{
    private const int KeyLengthMax = 256;
    private const int ValueBytesMax = 64 * 1024;

    /// <summary>Adds the routes of the group named <c>map</c>.</summary>
    public static void MapKeyValues(this WebApplication app)
    {
        app.MapPut("/map/{key}", PutAsync);
        app.MapDelete(
            "/map/{key}",
            (
                string key,
                [FromKeyedServices("map")] Group<Put, Get, Versioned?> group,
                CancellationToken cancel
            ) => WriteAsync(group, new Put(key, null), cancel)
        );
        app.MapGet("/map/{key}", GetAsync);
        app.MapGet("/status", Status);
    }

    private static async Task<IResult> PutAsync(
        string key,
        HttpRequest request,
        [FromKeyedServices("map")] Group<Put, Get, Versioned?> group,
        CancellationToken cancel
    )
    {
        if (request.ContentLength is not { } length || length > ValueBytesMax)
        {
            return Results.Problem(
                $"A value has at most {ValueBytesMax} bytes, and says how many.",
                statusCode: 413
            );
        }

        using var reader = new StreamReader(request.Body);
        return await WriteAsync(group, new Put(key, await reader.ReadToEndAsync(cancel)), cancel);
    }

    private static async Task<IResult> WriteAsync(
        Group<Put, Get, Versioned?> group,
        Put command,
        CancellationToken cancel
    )
    {
        if (command.Key.Length > KeyLengthMax)
        {
            return Results.Problem($"A key has at most {KeyLengthMax} characters.", statusCode: 400);
        }

        try
        {
            var index = await group.ExecuteAsync(command, cancel);
            return Results.Ok(new { version = index.Value });
        }
        catch (GroupException exception)
        {
            return Failed(exception);
        }
    }

    private static async Task<IResult> GetAsync(
        string key,
        HttpResponse response,
        [FromKeyedServices("map")] Group<Put, Get, Versioned?> group,
        CancellationToken cancel,
        [FromQuery] bool stale = false
    )
    {
        try
        {
            // A stale read asks nobody: it answers without a leader too, with what this instance knows.
            var consistency = stale ? Consistency.Weak : Consistency.Strong;
            var answer = await group.QueryAsync(new Get(key), consistency, cancel);
            if (answer.Result is not { } found)
            {
                return Results.NotFound();
            }

            response.Headers.ETag = $"\"{found.Version}\"";
            return Results.Text(found.Value);
        }
        catch (GroupException exception)
        {
            return Failed(exception);
        }
    }

    private static IResult Status([FromKeyedServices("map")] Group<Put, Get, Versioned?> group) =>
        Results.Ok(
            new
            {
                leader = group.Leader?.ToString(),
                isLeader = group.IsLeader,
                isOnline = group.IsOnline,
                term = group.Term.Value,
                applied = group.Committed.Value,
                voters = group.Members.Voters.Count,
                observers = group.Members.Observers.Count,
                logBegins = group.Storage.FirstIndex.Value,
            }
        );

    /// <summary>What clients may do about it: 503 means that nothing happened, 504 that it may have, or may yet.</summary>
    private static IResult Failed(GroupException exception) =>
        exception switch
        {
            OutcomeUnknownException => Results.Problem(exception.Message, statusCode: 504),
            CommandTooLargeException => Results.Problem(exception.Message, statusCode: 413),
            _ => Results.Problem(exception.Message, statusCode: 503),
        };
}
