// Writes docs/api.md from the XML documentation of the library: dotnet run --project tools/ApiPage -- docs/api.md
using OtoMask.ApiPage;

if (args is not [string path])
{
    Console.Error.WriteLine("usage: ApiPage docs/api.md");
    return 2;
}
File.WriteAllText(path, Page.Render());
return 0;
