using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Uwsgi.AspNetCore.RealApps.Catalogue;

public sealed class BookStore
{
    private readonly ConcurrentDictionary<int, Book> _books = new(
    [
        new(1, new Book(1, "The Left Hand of Darkness", "Ursula K. Le Guin", 1969, 9.50m)),
        new(2, new Book(2, "Kafka am Strand", "村上 春樹", 2002, 12m)),
        new(3, new Book(3, "Pippi Långstrump", "Astrid Lindgren", 1945, 14.99m)),
    ]);

    private int _lastId = 3;

    public IEnumerable<Book> All => _books.Values.OrderBy(book => book.Id);

    public Book Add(BookDetails details)
    {
        var book = Create(Interlocked.Increment(ref _lastId), details);
        _books[book.Id] = book;
        return book;
    }

    public bool TryFind(int id, [NotNullWhen(true)] out Book? book) => _books.TryGetValue(id, out book);

    public bool TryReplace(int id, BookDetails details) =>
        _books.TryGetValue(id, out var old) && _books.TryUpdate(id, Create(id, details), old);

    public bool TryRemove(int id) => _books.TryRemove(id, out _);

    private static Book Create(int id, BookDetails details) =>
        new(id, details.Title, details.Author, details.Year, details.Price);
}
