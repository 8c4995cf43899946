using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using OtoMask.App.Reports;
using OtoMask.App.Serve.Listening;
using OtoMask.App.Serve.Watching;

namespace OtoMask.App.Serve.Mapping;

/// <summary>The page of embeddings: maps of clips, their neighbours, and what is taken for what.</summary>
/// <param name="book">The runs.</param>
/// <param name="sets">The recordings.</param>
internal sealed class MapRoutes(RunBook book, SoundSets sets) : IRoutes
{
    /// <inheritdoc/>
    public void Map(WebApplication app, CancellationToken ending)
    {
        var desk = new MapDesk(book, sets);
        app.MapGet("/embeddings", () =>
        {
            book.LookIfStale();
            return ServedPage.Answer(MapPage.Build(book.Since(0).Changed, sets.All));
        });
        app.MapPost("/api/maps", (string run, string set, bool? untrained) => Answers.Of(() => Results.Json(desk.Begin(run, untrained ?? false, set, ending), HtmlPage.DataOptions)));
        app.MapGet("/api/maps/{id}/progress", (string id) => Answers.Of(() => Results.Json(desk.ProgressOf(id), HtmlPage.DataOptions)));
        app.MapGet("/api/maps/{id}", (string id) => Answers.Of(() =>
        {
            (ClipMap map, SoundSet set) = desk.Get(id);
            return Results.Json(new
            {
                Set = set.Name,
                map.Clips,
                Points = Convert.ToBase64String(MemoryMarshal.AsBytes<float>(map.Points)),
                map.Shares,
                map.Classes,
                Accuracy = map.Accuracy is { } accuracy ? new { accuracy.Value, accuracy.Low, accuracy.High } : null,
                map.Notes,
            }, HtmlPage.DataOptions);
        }));
        app.MapGet("/api/maps/{id}/nearest", (string id, int clip) => Answers.Of(() =>
            Results.Json(desk.Get(id).Map.NearestTo(clip).Select(other => new { other.Clip, Cosine = Math.Round(other.Cosine, 3) }), HtmlPage.DataOptions)));
    }
}
