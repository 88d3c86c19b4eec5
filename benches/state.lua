-- Another state of one of 500 locks with every request, so that each is a change to be recorded.
local count = 0
function request()
  count = count + 1
  local state = math.floor(count / 500) % 2 == 0 and "locked" or "unlocked"
  return wrk.format("POST", "/api/states/lock.door_" .. count % 500, nil, '{"state":"' .. state .. '"}')
end
